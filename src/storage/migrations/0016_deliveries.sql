-- What platforms told, each delivery once: whoever inserts it first does what it asks for.
create table webhook_deliveries (
  platform text not null,
  delivery_id text not null,
  id uuid not null,
  type text not null,
  status text not null,
  content text,
  key_id text,
  attempts integer not null,
  due_at timestamptz(3) not null,
  received_at timestamptz(3) not null,
  primary key (platform, delivery_id)
);
--> statement-breakpoint
create unique index webhook_deliveries_id on webhook_deliveries (id);
--> statement-breakpoint
-- What is done is most of it, and is never looked for.
create index webhook_deliveries_due on webhook_deliveries (status, due_at) where status <> 'done';
--> statement-breakpoint
create index webhook_deliveries_received_at on webhook_deliveries (received_at);
--> statement-breakpoint
-- Sealed content does not get any smaller.
alter table webhook_deliveries alter column content set storage external;
--> statement-breakpoint
alter table webhook_deliveries set (autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02);
