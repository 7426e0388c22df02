//! Servers that are nodes of one cluster, in this process over loopback. Who owns what is scripted.

mod nodes;

mod administration;
mod calls;
mod cost;
mod moves;
mod streams;
