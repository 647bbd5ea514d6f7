-- How often something was asked for since its window began, by the database's clock.
create table rate_limits (
  key text primary key,
  count integer not null,
  ends_at timestamptz(3) not null
);
--> statement-breakpoint
create index rate_limits_ends_at on rate_limits (ends_at);
