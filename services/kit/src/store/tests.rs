mod commits;
mod kept;
mod lending;
mod opening;
mod requests;
mod together;
mod whole;
