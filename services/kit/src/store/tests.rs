mod commits;
mod opening;
mod requests;
mod together;
mod whole;
