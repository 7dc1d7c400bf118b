mod commits;
mod opening;
mod requests;
