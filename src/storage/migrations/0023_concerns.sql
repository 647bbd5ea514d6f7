-- What needs a person, or will soon: of each connection one of each kind, until it has passed.
create table concerns (
  installation_id uuid not null references installations (id) on delete cascade,
  kind text not null,
  -- The same from its begin to its end.
  id uuid not null unique,
  platform text not null,
  since timestamptz(3) not null,
  detail text,
  act_before timestamptz(3),
  noted_at timestamptz(3) not null,
  primary key (installation_id, kind)
);
--> statement-breakpoint
-- Few of each at any time.
create index credentials_failing on credentials (platform, failing_since)
  where status = 'active' and failing_since is not null;
--> statement-breakpoint
create index webhooks_troubled on webhooks (subject)
  where installation_id is not null and (silent_since is not null or error is not null);
--> statement-breakpoint
-- Alerts wait as events do.
drop index webhook_deliveries_due;
--> statement-breakpoint
create index webhook_deliveries_due on webhook_deliveries (status, due_at)
  where status in ('apply', 'forward', 'alert', 'dead');
--> statement-breakpoint
-- Whoever changes installations keeps this list, too.
do $$
declare
  grantee text;
begin
  for grantee in
    select distinct pg_get_userbyid(acl.grantee)
    from pg_class, aclexplode(relacl) acl
    where pg_class.oid = 'installations'::regclass and acl.privilege_type in ('INSERT', 'UPDATE', 'DELETE')
      and acl.grantee not in (0, relowner)
  loop
    execute format('grant select, insert, update, delete on concerns to %I', grantee);
  end loop;
end
$$;
