-- What looks at everything by itself finds what it wants by an index, also among ten million rows. On a database of that
-- size these are made beforehand, `concurrently`, under the same names.
-- When a credential is looked at next; null: when its token is to be refreshed.
alter table credentials add column if not exists look_after timestamptz(3);
--> statement-breakpoint
create index if not exists credentials_look on credentials (platform, (failures > 0), (coalesce(look_after, refresh_after)))
  where kind <> 'long_lived'
    and (status = 'active' or (status = 'dead' and kind = 'app_installation' and failures < 36));
--> statement-breakpoint
-- Without `lease_until` in an index, taking and giving back a lease writes to none.
drop index credentials_due;
--> statement-breakpoint
drop index credentials_lapsed;
--> statement-breakpoint
create index if not exists credentials_grant_ends on credentials (grant_expires_at)
  where status = 'active' and grant_expires_at is not null;
--> statement-breakpoint
drop index credentials_ending;
--> statement-breakpoint
create index if not exists credentials_refused_by on credentials (platform, refused_by) where refused_by is not null;
--> statement-breakpoint
drop index credentials_refused;
--> statement-breakpoint
create index if not exists credentials_registration on credentials (platform, registration) where status <> 'revoked';
--> statement-breakpoint
create index if not exists credentials_doubted on credentials (platform, doubted_since) where doubted_since is not null;
--> statement-breakpoint
create index if not exists installations_questions on installations (platform, withheld, ask_after)
  where ask_after is not null;
--> statement-breakpoint
drop index installations_ask_after;
--> statement-breakpoint
create index if not exists installations_unasked on installations (platform, (coalesce(asked_at, created_at)))
  where status not in ('revoked', 'pending') and ask_after is null;
--> statement-breakpoint
drop index installations_asked_at;
--> statement-breakpoint
create index if not exists installations_ended on installations (revoked_at)
  where status = 'revoked' and provider_revocation is not null;
--> statement-breakpoint
create index if not exists webhooks_address on webhooks (platform, url, due_at);
--> statement-breakpoint
create index if not exists webhook_deliveries_look on webhook_deliveries (status, key_id, due_at)
  where status in ('apply', 'forward', 'alert', 'dead');
--> statement-breakpoint
drop index webhook_deliveries_due;
--> statement-breakpoint
create index if not exists webhook_deliveries_waiting on webhook_deliveries (status, received_at)
  where status in ('apply', 'forward', 'alert', 'dead');
--> statement-breakpoint
create index if not exists link_accounts_used_at on link_accounts (used_at);
--> statement-breakpoint
create index if not exists link_accounts_unfetched on link_accounts (connected_at) where secret_hash is null;
--> statement-breakpoint
-- A fifth of ten million rows, the default, would be two million dead ones before they are cleared away.
alter table credentials set (autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02);
--> statement-breakpoint
alter table installations set (autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02);
