//! temp
pub mod catalog {
    pub fn workspace_key(id: &str) -> String {
        format!("workspace/{id}")
    }
}
pub mod record {
    use apportion_core::ledger::ShardRecord;
    pub fn key(n: u16) -> String {
        format!("shard/{n:04}")
    }
    pub fn encode(_: &ShardRecord) -> Vec<u8> {
        Vec::new()
    }
    pub fn decode(_: &[u8]) -> Result<ShardRecord, String> {
        Err("x".into())
    }
}
#[derive(Debug, Clone)]
pub struct Entry {
    pub key: String,
    pub value: Vec<u8>,
    pub version: u64,
}
#[derive(Debug, Clone, Default)]
pub struct Transaction {
    pub incarnation: Option<u128>,
    pub expect: Vec<(String, Option<u64>)>,
    pub puts: Vec<(String, Vec<u8>)>,
    pub deletes: Vec<String>,
}
#[derive(Debug, Clone)]
pub enum Outcome {
    Done(u64),
    Conflict,
    Unknown(String),
}
pub trait Store: Send + Sync + 'static {
    fn incarnation(&self) -> Result<u128, String>;
    fn read(&self, key: &str) -> Result<Option<Entry>, String>;
    fn scan(&self, prefix: &str, after: Option<&str>, most: usize) -> Result<Vec<Entry>, String>;
    fn commit(&self, transactions: Vec<Transaction>) -> Vec<Outcome>;
    fn reopen(&self) -> Result<(), String>;
}
