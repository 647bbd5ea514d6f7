create table installations (
  id uuid primary key,
  platform text not null,
  products text[] not null,
  status text not null
    check (status in ('pending', 'active', 'suspended', 'reauthorization_required', 'revoked')),
  owner text,
  external_org_id text not null,
  external_org_name text not null,
  external_install_id text,
  external_user_id text,
  scopes text[] not null,
  permissions jsonb not null,
  installed_by text,
  metadata jsonb not null,
  last_used_at timestamptz(3),
  created_at timestamptz(3) not null,
  updated_at timestamptz(3) not null,
  revoked_at timestamptz(3),
  revoke_reason text,
  provider_revocation text
    check (provider_revocation in ('revoked', 'unsupported', 'failed', 'shared')),
  check ((status = 'revoked') = (revoked_at is not null)),
  check (provider_revocation is null or status = 'revoked')
) with (fillfactor = 85);
--> statement-breakpoint
-- One live installation per identity; a pending one is kept apart until it is completed.
create unique index installations_live_identity on installations (
  platform, external_org_id, coalesce(external_install_id, ''), coalesce(owner, ''), coalesce(external_user_id, '')
) where status not in ('revoked', 'pending');
--> statement-breakpoint
create index installations_newest on installations (created_at desc, id desc);
--> statement-breakpoint
create index installations_status on installations (status, created_at desc, id desc);
--> statement-breakpoint
create index installations_owner on installations (owner, created_at desc, id desc);
--> statement-breakpoint
create index installations_external_org on installations (external_org_id, created_at desc, id desc);
--> statement-breakpoint
create index installations_external_install on installations (external_install_id, created_at desc, id desc);
--> statement-breakpoint
create index installations_products on installations using gin (products);
--> statement-breakpoint
create index installations_unfinished_revocation on installations (revoked_at)
  where status = 'revoked' and provider_revocation is null;
--> statement-breakpoint
create table credentials (
  id uuid primary key,
  platform text not null,
  owner text,
  kind text not null check (kind in ('app_installation', 'rotating', 'long_lived')),
  actor text not null check (actor in ('app', 'user')),
  subject text not null,
  external_user_id text,
  status text not null check (status in ('active', 'dead', 'revoked')),
  version bigint not null check (version > 0),
  access_token text,
  refresh_token text,
  previous_refresh_token text,
  previous_spent_at timestamptz(3),
  spare_refresh_token text,
  key_id text,
  issued_at timestamptz(3),
  expires_at timestamptz(3),
  refresh_after timestamptz(3),
  grant_expires_at timestamptz(3),
  scopes text[] not null,
  permissions jsonb not null,
  attempt_id text,
  attempt_at timestamptz(3),
  open_attempt_at timestamptz(3),
  committed_attempt text,
  lease_until timestamptz(3),
  failures integer not null check (failures >= 0),
  last_error text,
  refreshed_at timestamptz(3),
  created_at timestamptz(3) not null,
  check ((attempt_id is null) = (attempt_at is null)),
  check (
    key_id is not null
    or coalesce(access_token, refresh_token, previous_refresh_token, spare_refresh_token) is null
  )
) with (fillfactor = 70);
--> statement-breakpoint
-- A grant exists once per owner, whatever number of installations it serves.
create unique index credentials_live_grant on credentials (platform, coalesce(owner, ''), subject)
  where status <> 'revoked';
--> statement-breakpoint
create index credentials_key on credentials (key_id, id);
--> statement-breakpoint
create table installation_credentials (
  installation_id uuid not null references installations (id) on delete cascade,
  credential_id uuid not null references credentials (id) on delete cascade,
  actor text not null check (actor in ('app', 'user')),
  "natural" boolean not null,
  external_user_id text,
  primary key (installation_id, credential_id)
);
--> statement-breakpoint
create unique index installation_credentials_natural on installation_credentials (installation_id) where "natural";
--> statement-breakpoint
create unique index installation_credentials_actor on installation_credentials (
  installation_id, actor, coalesce(external_user_id, '')
);
--> statement-breakpoint
create index installation_credentials_credential on installation_credentials (credential_id);
--> statement-breakpoint
create table attempts (
  id text primary key,
  platform text not null,
  owner text,
  return_to text,
  state_hash text not null unique,
  browser_hash text not null,
  code_verifier text,
  hint text,
  expires_at timestamptz(3) not null,
  consumed_at timestamptz(3)
);
--> statement-breakpoint
create index attempts_expires_at on attempts (expires_at);
--> statement-breakpoint
create table audit_events (
  id uuid primary key,
  at timestamptz(3) not null,
  kind text not null check (kind in ('token.issued', 'token.repeated')),
  caller text not null,
  method text not null,
  installation_id uuid,
  token_fingerprint text,
  address text,
  request_id text,
  count integer not null check (count > 0)
);
--> statement-breakpoint
create index audit_events_at on audit_events (at, id);
--> statement-breakpoint
create index audit_events_installation on audit_events (installation_id, at, id);
--> statement-breakpoint
create table meta (
  key text primary key,
  value text not null
);
