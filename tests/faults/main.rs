//! Faults: what must hold whatever dies, and when.

mod killed;
