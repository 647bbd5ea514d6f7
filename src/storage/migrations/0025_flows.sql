-- Connections that a product's page watches while a person makes them in a popup, by the SHA-256 of the name that page made up.
create table flows (
  flow_hash text primary key,
  platform text not null,
  link_hash text,
  return_origin text,
  state text not null check (state in ('opening', 'opened', 'at_platform', 'finishing', 'connected', 'denied', 'failed')),
  reason text,
  completion boolean not null,
  closed_at timestamptz(3),
  created_at timestamptz(3) not null,
  moved_at timestamptz(3) not null,
  expires_at timestamptz(3) not null
);
--> statement-breakpoint
create index flows_expires_at on flows (expires_at);
--> statement-breakpoint
-- The flow that an attempt is of; an older process finishes the attempt, and says nothing of the flow.
alter table attempts add column flow_hash text;
