-- What a platform told of an installation is to be asked it: what for, and when next. `withheld`: until it has answered,
-- nothing is handed out. `connected_at`: when it was connected last; `asked_at`: when the platform last answered.
alter table installations
  add column connected_at timestamptz(3),
  add column withheld boolean not null default false,
  add column question jsonb,
  add column ask_after timestamptz(3),
  add column asked_at timestamptz(3);
--> statement-breakpoint
-- The same of one grant of it. Also afterwards, if it has ended.
alter table credentials add column withheld boolean not null default false;
--> statement-breakpoint
create index installations_ask_after on installations (platform, ask_after) where ask_after is not null;
--> statement-breakpoint
create index installations_asked_at on installations (platform, coalesce(asked_at, created_at))
  where status not in ('revoked', 'pending');
--> statement-breakpoint
drop trigger installations_changed on installations;
--> statement-breakpoint
create trigger installations_changed after update on installations
  for each row when (
    (
      old.status, old.products, old.owner, old.external_org_id, old.external_install_id, old.external_user_id,
      old.withheld, old.permissions
    ) is distinct from (
      new.status, new.products, new.owner, new.external_org_id, new.external_install_id, new.external_user_id,
      new.withheld, new.permissions
    )
  ) execute function announce_installation();
--> statement-breakpoint
drop trigger credentials_changed on credentials;
--> statement-breakpoint
create trigger credentials_changed after update on credentials
  for each row when (
    (old.version, old.status, old.withheld) is distinct from (new.version, new.status, new.withheld)
  ) execute function announce_credential();
