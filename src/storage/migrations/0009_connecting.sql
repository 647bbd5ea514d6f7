-- When an attempt began, by the database's clock: what a platform shows as made since then was made in it.
alter table attempts add column begun_at timestamptz(3) not null default clock_timestamp();
--> statement-breakpoint
-- Also what was begun by a caller that may not do so any more is undone.
alter table pending_installs drop constraint pending_installs_undo_reason_check;
--> statement-breakpoint
alter table pending_installs add constraint pending_installs_undo_reason_check
  check (undo_reason in ('binding_rejected', 'expired', 'revoked', 'taken', 'withdrawn'));
