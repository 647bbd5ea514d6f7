-- Where platforms send events, and how that stands: one row for an installation that has a webhook of its own, one for a
-- platform that has one for all.
create table webhooks (
  -- The installation's id, or the platform's name.
  subject text primary key,
  platform text not null,
  installation_id uuid unique references installations (id) on delete cascade,
  registered boolean not null default false,
  url text not null default '',
  external_ids text[] not null default '{}',
  -- The host of the site that counts these ids.
  site_host text,
  error text,
  expires_at timestamptz(3),
  -- What it was registered with, where that cannot be read back.
  mark text,
  -- When it is to be looked at again; null: never, since nobody can.
  due_at timestamptz(3),
  -- In a row.
  failures integer not null default 0,
  -- When the platform was last asked.
  checked_at timestamptz(3),
  -- Who asks the platform now, by the database's clock.
  lease_id text,
  lease_until timestamptz(3),
  registered_since timestamptz(3),
  delivered_at timestamptz(3),
  silent_since timestamptz(3),
  check (subject = coalesce(installation_id::text, platform))
);
--> statement-breakpoint
create index webhooks_due on webhooks (platform, due_at);
--> statement-breakpoint
create index webhooks_site on webhooks (platform, site_host) where site_host is not null;
