//! Every call of the quota service with every field empty, huge, malformed or of another client: the right refusal, and the server
//! keeps serving.

mod world;

mod acquire;
mod exchange;
mod settle;
mod watch;
