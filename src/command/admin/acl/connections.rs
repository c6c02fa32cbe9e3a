//! What a change of users means for their connections.

use std::sync::Arc;

use super::Context;
use crate::acl::{Account, Channel, Rights};
use crate::client::Handle;
use crate::message::Topic;

/// Closes the connections of users that are gone; the caller's own after its reply.
pub(super) fn close_users(context: &mut Context<'_>, users: &[Arc<Account>]) {
    if users.is_empty() {
        return;
    }
    for client in context.services.clients.all() {
        if users.iter().any(|user| client.speaks_for(user)) {
            close(context, &client);
        }
    }
}

/// Closes the connections of a user that have subscribed to what it may not read, if it has lost
/// channels.
pub(super) fn close_subscribers(
    context: &mut Context<'_>,
    account: &Arc<Account>,
    (rights, before): (&Rights, Option<&Rights>),
) {
    if before.is_none_or(|before| rights.keeps_channels_of(before)) {
        return;
    }
    let mut revoked: Vec<Arc<Handle>> = Vec::new();
    context.services.pubsub.for_each(|topic, name, client| {
        let channel = Channel { place: 0, name, is_pattern: topic == Topic::Pattern };
        if client.speaks_for(account) && !rights.allow_channel(&channel) {
            revoked.push(Arc::clone(client));
        }
    });
    for client in &revoked {
        close(context, client);
    }
}

fn close(context: &mut Context<'_>, client: &Handle) {
    if client.id == context.client.handle.id {
        context.client.closing = true;
    } else {
        client.kill();
        context.services.clients.remove(client.id);
    }
}
