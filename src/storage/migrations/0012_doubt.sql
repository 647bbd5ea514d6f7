-- Since when a credential fails in a row, when the platform last called it dead, since when that is doubted, and when
-- the platform last gave or confirmed its token.
alter table credentials
  add column failing_since timestamptz(3),
  add column called_dead_at timestamptz(3),
  add column doubted_since timestamptz(3),
  add column proven_at timestamptz(3);
--> statement-breakpoint
create index credentials_called_dead on credentials (platform, called_dead_at) where called_dead_at is not null;
--> statement-breakpoint
create index credentials_proven on credentials (platform, proven_at) where proven_at is not null;
