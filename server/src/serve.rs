//! Runs the server: opens the store, starts the engine, listens, and stops in good order.

use std::net::SocketAddr;
