mod commits;
mod lending;
mod opening;
mod requests;
mod together;
mod whole;
