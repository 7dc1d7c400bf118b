mod commits;
mod opening;
mod requests;
mod whole;
