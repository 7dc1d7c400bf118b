//! The dispatcher's fault points, in the order in which a message comes to them: every step between
//! a fact and its receipt that a process may die at. The way of a fact to here and the commit that
//! hears it are the machinery's: [`kit::faults::COMMON`].
//!
//! Each is tried in `tests/faults/matrix.rs` and stands in `tests/faults/README.md`; `tests/house`
//! looks after both.

use kit::faults::Point;

/// A gathering is planned, and nothing of that is committed.
pub const GATHERING_PLANNED: Point = Point::named("gathering_planned");
/// That is committed. A plan for many is not written out, unless the planner's own time has come.
pub const GATHERING_LEFT: Point = Point::named("gathering_left");
/// A part of a plan for many is written out, and others may not be.
pub const PART_WRITTEN: Point = Point::named("part_written");
/// A sender has leased a chunk.
pub const CHUNK_LEASED: Point = Point::named("chunk_leased");
/// The directory has cleared a round.
pub const CLEARED: Point = Point::named("cleared");
/// A round is in words.
pub const WORDED: Point = Point::named("worded");
/// That a message starts which is sent at most once is durable.
pub const START_DURABLE: Point = Point::named("start_durable");
/// A message is handed to its channel, which looks once more before its request.
pub const BEFORE_REQUEST: Point = Point::named("before_request");
/// The provider has answered, and nobody knows.
pub const ANSWERED: Point = Point::named("answered");
/// What came of a batch is durable, and nobody who waits for that knows.
pub const SETTLED: Point = Point::named("settled");
/// Receipts were taken, and nothing of them is committed.
pub const RECEIPTS_TAKEN: Point = Point::named("receipts_taken");
/// They are committed and not answered.
pub const RECEIPTS_KEPT: Point = Point::named("receipts_kept");
/// What follows a dead address is decided and not committed.
pub const NEXT_ADDRESS_PLANNED: Point = Point::named("next_address_planned");
/// A correction is decided and not committed.
pub const CORRECTION_PLANNED: Point = Point::named("correction_planned");

/// All of them.
pub const ALL: &[Point] = &[
    GATHERING_PLANNED,
    GATHERING_LEFT,
    PART_WRITTEN,
    CHUNK_LEASED,
    CLEARED,
    WORDED,
    START_DURABLE,
    BEFORE_REQUEST,
    ANSWERED,
    SETTLED,
    RECEIPTS_TAKEN,
    RECEIPTS_KEPT,
    NEXT_ADDRESS_PLANNED,
    CORRECTION_PLANNED,
];
