-- Links that let one person connect a platform, once. The secret as SHA-256.
create table install_links (
  secret_hash text primary key,
  platform text not null,
  owner text,
  return_to text,
  facts jsonb not null,
  created_at timestamptz(3) not null,
  expires_at timestamptz(3) not null,
  used_at timestamptz(3)
);
--> statement-breakpoint
create index install_links_expires_at on install_links (expires_at);
--> statement-breakpoint
create index install_links_owner on install_links (owner);
--> statement-breakpoint
alter table attempts add column link jsonb;
--> statement-breakpoint
create index attempts_owner on attempts (owner);
--> statement-breakpoint
-- What callbacks obtained and no owner has completed yet: sealed, and connected nowhere.
create table pending_installs (
  id uuid primary key,
  platform text not null,
  owner text not null,
  link jsonb not null,
  -- The completion code as SHA-256.
  code_hash text not null unique,
  connection text not null,
  -- Of the installations with status 'pending', in the order of the connection.
  installation_ids uuid[] not null,
  -- Of its grants, to tell whether another one shares them.
  subjects text[] not null,
  created_at timestamptz(3) not null,
  expires_at timestamptz(3) not null,
  undo_reason text check (undo_reason in ('binding_rejected', 'expired', 'revoked', 'taken')),
  undo_at timestamptz(3),
  recorded boolean not null default false,
  check ((undo_reason is null) = (undo_at is null))
);
--> statement-breakpoint
create index pending_installs_expires_at on pending_installs (expires_at);
--> statement-breakpoint
create index pending_installs_installations on pending_installs using gin (installation_ids);
