-- Headless sign-ins. A code is eleven digits, kept as an HMAC under a key of the ring; the secret of who started, as SHA-256.
create table link_codes (
  id uuid primary key,
  platform text not null,
  product text not null,
  owner text,
  client_name text,
  caller text not null,
  policy_hash text,
  from_address text,
  holder text not null,
  code_hash text not null unique,
  key_id text not null,
  secret_hash text not null,
  state text not null check (state in ('open', 'connected', 'denied', 'delivered')),
  started_at timestamptz(3) not null,
  expires_at timestamptz(3) not null,
  polled_at timestamptz(3),
  attempt_id text,
  account_id uuid
);
--> statement-breakpoint
-- The live ones, which are counted; few by the bound on their number.
create index link_codes_open on link_codes (expires_at) where state = 'open';
--> statement-breakpoint
create index link_codes_expires_at on link_codes (expires_at);
--> statement-breakpoint
create index link_codes_owner on link_codes (owner) where owner is not null;
--> statement-breakpoint
-- What links connected, for who has the account's secret (SHA-256).
create table link_accounts (
  id uuid primary key,
  platform text not null,
  product text not null,
  owner text,
  caller text not null,
  installation_ids uuid[] not null,
  created_ids uuid[] not null,
  connected_at timestamptz(3) not null,
  secret_hash text,
  previous_hash text,
  previous_until timestamptz(3),
  used_at timestamptz(3)
);
--> statement-breakpoint
create index link_accounts_owner on link_accounts (owner) where owner is not null;
--> statement-breakpoint
create index link_accounts_installations on link_accounts using gin (installation_ids);
