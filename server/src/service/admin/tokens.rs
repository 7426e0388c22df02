//! Tokens: created with a secret that is shown once, kept as its hash, in force and withdrawn at once.

use super::change_error::{ChangeError, catalog_error};
use super::list::{Page, pages};
use super::policies::Policies;
use crate::convert::field::{count, name, text};
use crate::convert::names::{self, TokenId, token_name};
use crate::convert::time::{optional_span, timestamp};
use crate::error::Error;
use crate::error::FieldError;
use crate::resource::{Fields, differences, token_fields};
use crate::service::authorize::{Identity, SCOPES_MAX};
use crate::service::gate;
use crate::store::catalog::{CatalogChange, Document, KeptToken, token_key};
use apportion_core::ids::{TeamId, WorkspaceId};
use apportion_core::time::Span;
use apportion_proto::v1;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Most tokens of a server.
pub(super) const TOKENS_MAX: usize = 10_000;
/// The longest note, in bytes.
const NOTE_LONGEST: usize = 256;
/// The shortest and the longest time that a token is valid for.
const TTL: (Span, Span) = (Span::from_ns(1), Span::from_secs(3660 * 86_400));
/// Why the first token must be an administrator's.
const ADMIN_FIRST: &str = "with the first token every call needs a credential; create an admin token first";
/// Why it must not expire.
const ADMIN_ENDS: &str =
    "an admin token that expires would lock everybody out; create one without a ttl first";
/// Why the last administrator's token cannot be deleted.
const LAST_ADMIN: &str =
    "it is the last admin token that does not expire; create another one first, or set APPORTION_ADMIN_TOKEN";
/// What the first token changes.
const FROM_NOW_ON: &str = "from now on every call needs a token: send `authorization: Bearer <secret>`";
/// The id of the token whose secret is in the server's environment.
const RESERVED: &str = "environment";

impl Policies {
    pub(super) fn create_token(
        &self,
        who: &Identity,
        request: &v1::CreateTokenRequest,
    ) -> Result<v1::CreateTokenResponse, Error> {
        let id = names::token_id("token_id", &request.token_id)?;
        let token = self.new_token(&id, request)?;
        let given = given_hash(&request.secret_sha256)?;
        self.change(who, || {
            if let Some(held) =
                self.catalog.token(id.as_str())?.filter(|held| Some(held.value.secret_sha256) == given)
            {
                return self.created_before(held.value, &token);
            }
            if id.as_str() == RESERVED || self.catalog.token(id.as_str())?.is_some() {
                return Err(Error::AlreadyExists { name: token.name.clone() }.into());
            }
            let unchanged = self.catalog.expect_tokens()?;
            let held = self.tokens()?;
            let is_given = |token: &KeptToken| given == Some(token.secret_sha256);
            if held.iter().any(is_given) || given.is_some_and(|hash| self.gate.knows(&hash)) {
                return Err(FieldError::new("secret_sha256", "is that of another token").into());
            }
            if held.len() >= TOKENS_MAX {
                return Err(Error::TooManyResources { what: "tokens", most: TOKENS_MAX as u64 }.into());
            }
            if !self.gate.has_own_administrator() && !held.iter().any(administers_for_good) {
                let why = if token.role() == v1::Role::Admin { ADMIN_ENDS } else { ADMIN_FIRST };
                if token.role() != v1::Role::Admin || token.expire_time.is_some() {
                    return Err(Error::NoAdministrator(why).into());
                }
            }
            let warnings = if self.gate.is_closed() { Vec::new() } else { vec![FROM_NOW_ON.into()] };
            if request.validate_only {
                let secret = String::new();
                return Ok(v1::CreateTokenResponse { token: Some(token.clone()), secret, warnings });
            }
            let (secret, secret_sha256) = match given {
                Some(hash) => (String::new(), hash),
                None => {
                    let secret =
                        new_secret().map_err(|_| Error::Internal("the system provides no random bits"))?;
                    let hash = gate::hash(&secret);
                    (secret, hash)
                }
            };
            let kept = KeptToken { token: token.clone(), secret_sha256 };
            let changes = differences(&Fields::new(), &token_fields(&token));
            let change = CatalogChange {
                expect: vec![(token_key(id.as_str()), None), unchanged],
                puts: vec![Document::Token { token: id.to_string(), value: kept.clone() }],
                deletes: Vec::new(),
                entry: self.entry(who, "CreateToken", token.name.clone(), changes),
            };
            self.apply(&change, None)?;
            self.gate.admit(&kept);
            Ok(v1::CreateTokenResponse { token: Some(token.clone()), secret, warnings })
        })
    }

    /// The answer to the repeat of a request that was carried out and whose answer was lost. The token is in force from now on.
    fn created_before(
        &self,
        held: KeptToken,
        asked: &v1::Token,
    ) -> Result<v1::CreateTokenResponse, ChangeError> {
        let is_same =
            |a: &v1::Token, b: &v1::Token| (a.role, &a.scopes, &a.note) == (b.role, &b.scopes, &b.note);
        if !is_same(&held.token, asked) {
            return Err(Error::AlreadyExists { name: held.token.name }.into());
        }
        if !self.gate.knows(&held.secret_sha256) {
            self.gate.admit(&held);
        }
        let (secret, warnings) = (String::new(), Vec::new());
        Ok(v1::CreateTokenResponse { token: Some(held.token), secret, warnings })
    }

    fn new_token(&self, id: &TokenId, request: &v1::CreateTokenRequest) -> Result<v1::Token, Error> {
        let asked = request.token.as_ref().ok_or_else(|| FieldError::missing("token"))?;
        let (least, most) = TTL;
        let ttl = optional_span("ttl", request.ttl.as_ref(), least, most)?;
        check(asked).map_err(|error| error.under("token"))?;
        let now = self.engine.clock().now();
        Ok(v1::Token {
            name: token_name(id),
            role: asked.role,
            scopes: asked.scopes.clone(),
            note: asked.note.clone(),
            create_time: Some(timestamp(now)),
            expire_time: ttl.map(|ttl| timestamp(now + ttl)),
        })
    }

    /// Every token of the store, which is what all servers that use it go by.
    pub(super) fn tokens(&self) -> Result<Vec<KeptToken>, ChangeError> {
        Ok(self.catalog.all_tokens()?)
    }

    pub(super) fn list_tokens(
        &self,
        _who: &Identity,
        request: &v1::ListTokensRequest,
    ) -> Result<v1::ListTokensResponse, Error> {
        let page = Page::new(&["tokens"], request.page_size, &request.page_token)?;
        let found = self.catalog.tokens(page.after(), page.most()).map_err(|error| catalog_error(&error))?;
        let (tokens, next_page_token) =
            pages(&page, found.into_iter().map(|stored| stored.value.token), |token| {
                token.name.strip_prefix("tokens/").map(str::to_owned)
            });
        Ok(v1::ListTokensResponse { tokens, next_page_token })
    }

    pub(super) fn delete_token(
        &self,
        who: &Identity,
        request: &v1::DeleteTokenRequest,
    ) -> Result<v1::DeleteTokenResponse, Error> {
        let id = names::token("name", &request.name)?;
        self.change(who, || {
            let old = self.catalog.token(id.as_str())?.ok_or(Error::UnknownToken)?;
            let unchanged = self.catalog.expect_tokens()?;
            let is_other = |token: &KeptToken| token.token.name != request.name;
            let stays = |token: &KeptToken| is_other(token) && administers_for_good(token);
            // Where no credential is required yet, as nobody learned the secret of the only token, nobody is locked out.
            if self.gate.is_closed()
                && administers_for_good(&old.value)
                && !self.gate.has_own_administrator()
                && !self.tokens()?.iter().any(stays)
            {
                return Err(Error::NoAdministrator(LAST_ADMIN).into());
            }
            if request.validate_only {
                return Ok(v1::DeleteTokenResponse {});
            }
            let changes = differences(&token_fields(&old.value.token), &Fields::new());
            let key = token_key(id.as_str());
            let change = CatalogChange {
                expect: vec![(key.clone(), Some(old.version)), unchanged],
                puts: Vec::new(),
                deletes: vec![key],
                entry: self.entry(who, "DeleteToken", request.name.clone(), changes),
            };
            let applied = self.apply(&change, None);
            // A token whose deletion may have failed is refused all the same.
            if !matches!(applied, Err(ChangeError::Conflict)) {
                self.gate.dismiss(&request.name);
            }
            applied?;
            Ok(v1::DeleteTokenResponse {})
        })
    }
}

/// Whether it is the token of an administrator that does not expire.
fn administers_for_good(kept: &KeptToken) -> bool {
    kept.token.role() == v1::Role::Admin && kept.token.expire_time.is_none()
}

fn check(token: &v1::Token) -> Result<(), FieldError> {
    let role = v1::Role::try_from(token.role).unwrap_or_default();
    let (least, most) = match role {
        v1::Role::Unspecified => {
            return Err(FieldError::new("role", "must be one of CLIENT (1), OBSERVER (2) and ADMIN (3)"));
        }
        v1::Role::Admin => (0, 0),
        v1::Role::Client | v1::Role::Observer => (1, SCOPES_MAX),
    };
    count("scopes", token.scopes.len(), least, most)?;
    text("note", &token.note, NOTE_LONGEST)?;
    for (place, scope) in token.scopes.iter().enumerate() {
        if scope.workspace != "*" {
            name::<WorkspaceId>(&format!("scopes[{place}].workspace"), &scope.workspace)?;
        }
        if !scope.team.is_empty() {
            name::<TeamId>(&format!("scopes[{place}].team"), &scope.team)?;
        }
    }
    Ok(())
}

/// The hash of a secret that the caller made; none where the server is to make one.
fn given_hash(bytes: &[u8]) -> Result<Option<gate::Hash>, FieldError> {
    if bytes.is_empty() {
        return Ok(None);
    }
    let hash = bytes.try_into().map_err(|_| FieldError::new("secret_sha256", "must be of 32 bytes"))?;
    Ok(Some(hash))
}

/// 256 random bits, with a prefix by which secret scanners find them.
fn new_secret() -> Result<String, getrandom::Error> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes)?;
    Ok(format!("apt_{}", URL_SAFE_NO_PAD.encode(bytes)))
}
