-- What people see of installations, change by change, in the order of their commits.
create table installation_changes (
  -- Without a gap: who has seen one knows whether the next that they see is the next.
  sequence bigint primary key check (sequence > 0),
  installation_id uuid not null,
  kind text not null check (kind in ('created', 'updated', 'ended')),
  at timestamptz(3) not null,
  -- As it was then; of one that is deleted, as it was last.
  installation jsonb not null,
  -- As it was before, where it had another owner or other products: others may have seen it.
  before jsonb
);
--> statement-breakpoint
create index installation_changes_installation on installation_changes (installation_id, sequence);
--> statement-breakpoint
-- Names the place before the first change, as the time of each one names the place behind it.
insert into meta (key, value) values ('changes_began', gen_random_uuid()::text);
--> statement-breakpoint
-- What of an installation people see, without what is counted or timed.
create function installation_facts(one installations) returns jsonb language sql stable as $$
  select jsonb_build_object(
    'id', one.id, 'platform', one.platform, 'products', one.products, 'status', one.status, 'owner', one.owner,
    'externalOrgId', one.external_org_id, 'externalOrgName', one.external_org_name,
    'externalInstallId', one.external_install_id, 'externalUserId', one.external_user_id,
    'scopes', one.scopes, 'permissions', one.permissions, 'installedBy', one.installed_by, 'metadata', one.metadata,
    'createdAt', one.created_at, 'updatedAt', one.updated_at, 'revokedAt', one.revoked_at
  )
$$;
--> statement-breakpoint
-- Runs at the end of a transaction, once for each row that it changed.
create function keep_installation_changes() returns trigger language plpgsql as $$
declare
  subject constant uuid := coalesce(new.id, old.id);
  previous constant jsonb := case when tg_op <> 'INSERT' then installation_facts(old) end;
  present jsonb;
  existed boolean;
  exists_now boolean;
begin
  -- Rows on their way from another database bring their changes along.
  if current_setting('oauth_token_service.moving', true) = 'on' then
    return null;
  end if;
  -- From here to the commit one transaction at a time, as NOTIFY has it anyway: sequences are in the order of commits.
  perform pg_advisory_xact_lock(hashtextextended('installation_changes', 0));
  -- What is changed several times in a transaction is one change, from how it was to how it is.
  if exists (
    select from installation_changes where installation_id = subject and xmin = pg_current_xact_id()::xid
  ) then
    return null;
  end if;
  select installation_facts(one) into present from installations one where one.id = subject;
  existed := previous is not null and previous ->> 'status' <> 'revoked';
  exists_now := present is not null and present ->> 'status' <> 'revoked';
  if not existed and not exists_now or previous - 'updatedAt' = present - 'updatedAt' then
    return null;
  end if;
  insert into installation_changes (sequence, installation_id, kind, at, installation, before)
    select
      coalesce(max(sequence), 0) + 1, subject,
      case when not existed then 'created' when not exists_now then 'ended' else 'updated' end,
      clock_timestamp(), coalesce(present, previous),
      case
        when present -> 'owner' is distinct from previous -> 'owner'
          or present -> 'products' is distinct from previous -> 'products'
        then case when present is not null then previous end
      end
    from installation_changes;
  perform pg_notify('oauth_token_service_changes', '');
  return null;
end
$$;
--> statement-breakpoint
do $$
begin
  execute format(
    'alter function keep_installation_changes() set search_path = pg_catalog, %I, pg_temp', current_schema()
  );
  -- A queue of many commits on a slow disk is no deadlock: longer than a session waits for a row.
  alter function keep_installation_changes() set lock_timeout = '3s';
end
$$;
--> statement-breakpoint
create constraint trigger installations_inserted_seen after insert on installations
  deferrable initially deferred for each row execute function keep_installation_changes();
--> statement-breakpoint
create constraint trigger installations_changed_seen after update on installations
  deferrable initially deferred for each row when (
    (
      old.status, old.products, old.owner, old.external_org_id, old.external_org_name, old.external_install_id,
      old.external_user_id, old.scopes, old.permissions, old.installed_by, old.metadata
    ) is distinct from (
      new.status, new.products, new.owner, new.external_org_id, new.external_org_name, new.external_install_id,
      new.external_user_id, new.scopes, new.permissions, new.installed_by, new.metadata
    )
  ) execute function keep_installation_changes();
--> statement-breakpoint
create constraint trigger installations_deleted_seen after delete on installations
  deferrable initially deferred for each row when (old.status <> 'revoked')
  execute function keep_installation_changes();
--> statement-breakpoint
-- Whoever changes installations changes these along with them: also services of the version before, which still run.
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
    execute format('grant select, insert, delete on installation_changes to %I', grantee);
  end loop;
end
$$;
