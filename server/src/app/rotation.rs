//! One server secret follows another: what older ones have sealed is sealed again with the newest, while servers are at work.
//!
//! Each transaction takes a page of it. Whoever is killed has done what was committed; whoever comes next does the rest.

use std::collections::BTreeMap;
use std::str::FromStr;

use serde::Serialize;
use serde_json::json;

use super::audit::Event;
use super::vault::{Unopened, Vault, VaultError};
use super::{App, Error, Result};
use crate::store::rotation::{self, Item, Kind, Sealed};

/// How much is sealed anew in one transaction, at the most.
const PAGE: i64 = 100;

/// How often to look for what was sealed with an older key meanwhile. Servers that still have another secret as theirs could go on
/// for ever.
const PASSES: usize = 10;

/// How many things that do not open are named.
const MOST_NAMED: usize = 100;

/// What a key is to a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// It seals.
    Newest,
    /// It opens what it has sealed before.
    Older,
    /// Its server secret is not known here.
    Unknown,
}

/// How much one key has sealed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KeyUse {
    /// The key's name, which tells nothing about it.
    pub key: String,
    /// What it is here.
    pub role: Role,
    /// By what it is.
    pub sealed: BTreeMap<Kind, u64>,
}

/// Something that does not open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unreadable {
    /// What it is, and whose.
    pub what: String,
    /// Why.
    pub why: String,
}

/// Things that do not open: all are counted, and the first ones named.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct AllUnreadable {
    /// How many there are.
    pub count: u64,
    /// The first ones.
    pub first: Vec<Unreadable>,
    /// How many each key has sealed.
    #[serde(skip)]
    by_key: BTreeMap<String, u64>,
}

/// What is sealed, and by which keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SealedValues {
    /// Those that have sealed something, and the newest.
    pub keys: Vec<KeyUse>,
    /// What does not open.
    pub unreadable: AllUnreadable,
}

/// What a rotation has done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rotation {
    /// How much was sealed anew.
    pub resealed: BTreeMap<Kind, u64>,
    /// How much other keys have sealed still.
    pub left: Vec<KeyUse>,
    /// What could not be sealed anew because it does not open.
    pub unreadable: AllUnreadable,
}

impl Rotation {
    /// How much other keys have sealed still, whether it opens or not.
    pub fn left_in_all(&self) -> u64 {
        sum(&self.left)
    }

    /// Whether an older secret has sealed something that opens. What is damaged no secret opens.
    pub fn needs_older_secrets(&self) -> bool {
        let mut older = self.left.iter().filter(|key| key.role == Role::Older);
        older.any(|key| {
            key.sealed.values().sum::<u64>() > self.unreadable.by_key.get(&key.key).copied().unwrap_or_default()
        })
    }
}

/// How much some keys have sealed in all.
fn sum(keys: &[KeyUse]) -> u64 {
    keys.iter().flat_map(|key| key.sealed.values()).sum()
}

impl AllUnreadable {
    fn add(&mut self, kind: Kind, item: &Item, why: Unopened) {
        self.count += 1;
        *self.by_key.entry(item.sealed_by.clone()).or_default() += 1;
        if self.first.len() < MOST_NAMED {
            let Item { owner, name, .. } = item;
            let what = match kind {
                Kind::TaskSecrets => format!("the secret `{name}` of task {owner}"),
                Kind::ConnectionStrings => format!("the connection string of step {name} of schedule {owner}"),
                Kind::PendingConnectionStrings => format!("the connection string of step {name} for activity {owner}"),
                Kind::KeptRequests => format!("the request of {owner} with the Idempotency-Key `{name}`"),
            };
            self.first.push(Unreadable { what, why: why.to_string() });
        }
    }
}

impl App {
    /// Counts by key what is sealed, and tries whether it opens.
    pub async fn sealed_values(&self) -> Result<SealedValues> {
        let mut unreadable = AllUnreadable::default();
        for kind in Kind::ALL {
            let mut after = (String::new(), String::new());
            loop {
                let mut tx = self.db.read().await?;
                let items = rotation::page(&mut tx, kind, None, (&after.0, &after.1), PAGE).await?;
                drop(tx);
                let Some(last) = items.last() else { break };
                after = (last.owner.clone(), last.name.clone());
                for item in &items {
                    match sealed_anew(&self.vault, item) {
                        Ok(_) => {}
                        Err(NotSealed::Unopened(why)) => unreadable.add(kind, item, why),
                        Err(NotSealed::Crypto) => return Err(Error::Crypto),
                    }
                }
            }
        }
        let mut keys = self.key_uses(&Kind::ALL).await?;
        if keys.iter().all(|key| key.role != Role::Newest) {
            keys.push(self.key_use(self.vault.key_id().to_owned()));
        }
        keys.sort_by(|one, other| (one.role, &one.key).cmp(&(other.role, &other.key)));
        Ok(SealedValues { keys, unreadable })
    }

    /// Seals anew what other keys than the newest have sealed. `tell` hears after each page how much that is so far.
    pub async fn rotate_secrets(&self, mut tell: impl FnMut(u64)) -> Result<Rotation> {
        let mut resealed = BTreeMap::<Kind, u64>::new();
        let mut pass = 1;
        let (left, unreadable) = loop {
            let mut unreadable = AllUnreadable::default();
            for kind in Kind::ALL {
                let mut after = (String::new(), String::new());
                while let Some((last, count)) = self.reseal_page(kind, &after, &mut unreadable).await? {
                    after = last;
                    *resealed.entry(kind).or_default() += count;
                    tell(resealed.values().sum());
                }
            }
            // Meanwhile a server may have sealed with an older key.
            let mut left = self.key_uses(&Kind::ALL).await?;
            left.retain(|key| key.role != Role::Newest);
            if sum(&left) <= unreadable.count || pass == PASSES {
                break (left, unreadable);
            }
            pass += 1;
        };
        if resealed.values().any(|count| *count > 0) {
            self.note_rotation(&resealed).await?;
        }
        Ok(Rotation { resealed, left, unreadable })
    }

    /// Seals one page anew. Tells where it ends, and how much was sealed anew; `None` behind the last one.
    async fn reseal_page(
        &self,
        kind: Kind,
        after: &(String, String),
        unreadable: &mut AllUnreadable,
    ) -> Result<Option<((String, String), u64)>> {
        let key_id = self.vault.key_id();
        // Others lock several rows of these at a time, in no order that one could follow.
        let one_by_one = matches!(kind, Kind::PendingConnectionStrings | Kind::KeptRequests) && self.db.is_shared();
        let limit = if one_by_one { 1 } else { PAGE };
        let mut tx = self.db.write().await?;
        let items = rotation::page(&mut tx, kind, Some(key_id), (&after.0, &after.1), limit).await?;
        let Some(last) = items.last() else { return Ok(None) };
        let last = (last.owner.clone(), last.name.clone());
        rotation::hold(&mut tx, kind, &items).await?;
        let mut count = 0;
        for item in &items {
            match sealed_anew(&self.vault, item) {
                // What somebody else has written meanwhile is left to the next pass.
                Ok(sealed) => count += u64::from(rotation::reseal(&mut tx, kind, item, key_id, &sealed).await?),
                Err(NotSealed::Unopened(why)) => unreadable.add(kind, item, why),
                Err(NotSealed::Crypto) => return Err(Error::Crypto),
            }
        }
        tx.commit().await?;
        Ok(Some((last, count)))
    }

    async fn note_rotation(&self, resealed: &BTreeMap<Kind, u64>) -> Result<()> {
        let event = Event::new("secrets.rotate", "server_secret", self.vault.key_id().to_owned(), "server secret");
        let event = event.with("resealed", json!(resealed));
        let mut tx = self.db.write().await?;
        self.note_command(&mut tx, event).await?;
        Ok(tx.commit().await?)
    }

    /// Says in the log what is sealed with other keys than the newest.
    pub(crate) async fn tell_of_other_keys(&self) -> Result<()> {
        // The others are gone in a day.
        let keys = self.key_uses(&[Kind::TaskSecrets, Kind::ConnectionStrings]).await?;
        let sum = |role| keys.iter().filter(|key| key.role == role).flat_map(|key| key.sealed.values()).sum::<u64>();
        let (older, unknown) = (sum(Role::Older), sum(Role::Unknown));
        if older > 0 {
            tracing::info!(
                values = older,
                "stored values are sealed under older server secrets; `justiam-server secrets rotate` seals them under the newest"
            );
        }
        if unknown > 0 {
            tracing::warn!(
                secrets = unknown,
                "stored secrets were sealed under another server secret and cannot be opened; runs and steps that need them will fail"
            );
        }
        Ok(())
    }

    /// How much of some kinds each key has sealed.
    async fn key_uses(&self, kinds: &[Kind]) -> Result<Vec<KeyUse>> {
        let mut uses = BTreeMap::<String, KeyUse>::new();
        let mut tx = self.db.read().await?;
        for kind in kinds {
            for (key, count) in rotation::counts(&mut tx, *kind).await? {
                let key_use = uses.entry(key.clone()).or_insert_with(|| self.key_use(key));
                key_use.sealed.insert(*kind, count.unsigned_abs());
            }
        }
        Ok(uses.into_values().collect())
    }

    fn key_use(&self, key: String) -> KeyUse {
        let role = match &self.vault {
            vault if vault.key_id() == key => Role::Newest,
            vault if vault.knows(&key) => Role::Older,
            _ => Role::Unknown,
        };
        KeyUse { key, role, sealed: BTreeMap::new() }
    }
}

/// Why something is not sealed anew.
enum NotSealed {
    Unopened(Unopened),
    Crypto,
}

impl From<Unopened> for NotSealed {
    fn from(why: Unopened) -> Self {
        Self::Unopened(why)
    }
}

impl From<VaultError> for NotSealed {
    fn from(_: VaultError) -> Self {
        Self::Crypto
    }
}

/// The same, sealed with the newest key for the same place.
fn sealed_anew(vault: &Vault, item: &Item) -> std::result::Result<Sealed, NotSealed> {
    let Item { owner, name, sealed_by: by, sealed } = item;
    Ok(match sealed {
        Sealed::Secret(sealed) => {
            let task = id(owner)?;
            Sealed::Secret(vault.seal(task, name, &vault.open(task, name, by, sealed)?)?)
        }
        Sealed::ConnectionString(sealed) => {
            let step = id(name)?;
            let value = vault.open_connection_string(step, by, sealed)?;
            Sealed::ConnectionString(vault.seal_connection_string(step, &value)?)
        }
        Sealed::Request(request, answer) => {
            let request = vault.open_request(owner, name, by, request)?;
            let answer = match answer {
                Some(answer) => Some(vault.seal_answer(owner, name, &vault.open_answer(owner, name, by, answer)?)?),
                None => None,
            };
            Sealed::Request(vault.seal_request(owner, name, &request)?, answer)
        }
    })
}

/// An id that cannot be read is that of nothing for which anything was ever sealed.
fn id<T: FromStr>(text: &str) -> std::result::Result<T, Unopened> {
    text.parse().map_err(|_| Unopened::Damaged)
}
