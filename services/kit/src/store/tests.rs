mod away;
mod commits;
mod opening;
mod requests;
