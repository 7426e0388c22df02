//! HTTP clients with the hooks of the library: reqwest middleware, and a tower layer.

use apportion_client::PermitSource;
use apportion_client::reqwest::{PermitMiddleware, acquire_error};
use apportion_client::tower::{BySignals, PermitError, PermitLayer};
use apportion_conformance::v1::driver_response::Result as Outcome;
use apportion_conformance::v1::failure::Kind;
use apportion_conformance::v1::{Header, Hook, HttpOpen, HttpResult, HttpSend, Response};
use http::Extensions;
use reqwest_middleware::reqwest::redirect::Policy;
use reqwest_middleware::reqwest::{self, Body, Client, Method, Request};
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware, Middleware, Next};
use tower::{Layer, Service};

use crate::failure::{self, unsupported};

/// The hooks and what they can do. Neither sees the redirects that reqwest follows by itself.
pub(crate) fn hooks() -> Vec<Hook> {
    let hook = |name: &str, features: &[&str]| Hook {
        name: name.into(),
        features: features.iter().map(|feature| (*feature).into()).collect(),
    };
    vec![hook("reqwest", &["retries"]), hook("tower", &[])]
}

#[derive(Clone)]
pub(crate) enum HttpClient {
    Reqwest(ClientWithMiddleware),
    Tower(Client, PermitLayer<BySignals>),
}

/// Sends again after 429, 503 or a broken connection, as retry middlewares do.
struct Retries(u32);

#[tonic::async_trait]
impl Middleware for Retries {
    async fn handle(
        &self,
        request: Request,
        extensions: &mut Extensions,
        next: Next<'_>,
    ) -> reqwest_middleware::Result<reqwest::Response> {
        for _ in 0..self.0 {
            let Some(copy) = request.try_clone() else { break };
            match next.clone().run(copy, extensions).await {
                Ok(response) if ![429, 503].contains(&response.status().as_u16()) => return Ok(response),
                Err(error) if acquire_error(&error).is_some() => return Err(error),
                _ => {}
            }
        }
        next.run(request, extensions).await
    }
}

pub(crate) fn open(open: &HttpOpen, source: PermitSource) -> Result<HttpClient, Outcome> {
    if open.follow_redirects || open.http2 {
        return Err(unsupported("redirects and HTTP/2"));
    }
    let mut builder = Client::builder().redirect(Policy::none());
    if let Some(ms) = open.timeout_ms {
        builder = builder.timeout(std::time::Duration::from_millis(ms));
    }
    let client = builder.build().map_err(|error| failure::of(Kind::Config, error))?;
    match open.hook.as_str() {
        "reqwest" => {
            let middleware = PermitMiddleware::new(source).return_unsent();
            let client = ClientBuilder::new(client).with(Retries(open.retries)).with(middleware).build();
            Ok(HttpClient::Reqwest(client))
        }
        "tower" if open.retries == 0 => Ok(HttpClient::Tower(client, PermitLayer::http(source))),
        _ => Err(unsupported("no such hook, or it does not retry")),
    }
}

pub(crate) async fn send(client: HttpClient, send: HttpSend) -> Result<Outcome, Outcome> {
    let invalid = |error: &dyn ToString| failure::of(Kind::Http, error.to_string());
    let method: Method = send.method.parse().map_err(|error: http::method::InvalidMethod| invalid(&error))?;
    let url = send.url.parse().map_err(|_| invalid(&"not a URL"))?;
    let mut request = Request::new(method, url);
    for Header { name, value } in send.headers {
        let name = http::HeaderName::try_from(name).map_err(|error| invalid(&error))?;
        request.headers_mut().append(name, value.parse().map_err(|_| invalid(&"not a header"))?);
    }
    *request.body_mut() = send.body.map(Body::from);
    let response = match client {
        HttpClient::Reqwest(client) => {
            client.execute(request).await.map_err(|error| match acquire_error(&error) {
                Some(refused) => failure::acquire(refused),
                None => invalid(&error),
            })
        }
        HttpClient::Tower(client, layer) => {
            layer.layer(client).call(request).await.map_err(|error| match error {
                PermitError::Acquire(refused) => failure::acquire(&refused),
                PermitError::Inner(error) => invalid(&error),
            })
        }
    }?;
    let status = response.status().as_u16().into();
    let header = |(name, value): (&http::HeaderName, &http::HeaderValue)| Header {
        name: name.to_string(),
        value: String::from_utf8_lossy(value.as_bytes()).into_owned(),
    };
    let headers = response.headers().iter().map(header).collect();
    let body = response.bytes().await.map_err(|error| invalid(&error))?;
    Ok(Outcome::Http(HttpResult { response: Some(Response { status, headers, body: Some(body.to_vec()) }) }))
}
