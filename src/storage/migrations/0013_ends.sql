-- What is pruned leaves room for what comes: a fifth of a large record, the default, would be very many dead rows.
alter table audit_events set (
  autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_insert_scale_factor = 0.02,
  autovacuum_analyze_scale_factor = 0.02
);
--> statement-breakpoint
-- The one way to remove heads: the earliest chains, if they were pruned as a whole and nobody writes to them any more.
create function forget_audit_chains(through uuid) returns bigint language plpgsql security definer as $$
declare
  forgotten bigint;
begin
  if exists (
    select from audit_chains
    where id <= through and (pruned_sequence < last_sequence or updated_at > now() - interval '2 days')
  ) then
    raise insufficient_privilege using message = 'chains that have rows, or ended within two days, are not forgotten';
  end if;
  perform set_config('oauth_token_service.audit_pruning', 'on', true);
  delete from audit_chains where id <= through;
  get diagnostics forgotten = row_count;
  perform set_config('oauth_token_service.audit_pruning', '', true);
  return forgotten;
end
$$;
--> statement-breakpoint
revoke all on function forget_audit_chains(uuid) from public;
--> statement-breakpoint
create or replace function keep_audit_events() returns trigger language plpgsql as $$
begin
  if tg_op = 'DELETE' and is_pruning_audit() then
    return null;
  end if;
  raise insufficient_privilege using
    message = format('%s is append-only: %s is not allowed', tg_table_name, lower(tg_op));
end
$$;
--> statement-breakpoint
do $$
declare
  name text;
begin
  foreach name in array array['forget_audit_chains(uuid)', 'keep_audit_events()'] loop
    execute format('alter function %s set search_path = pg_catalog, %I, pg_temp', name, current_schema());
  end loop;
end
$$;
--> statement-breakpoint
-- Whoever pruning belongs to, and may do it, has this, too.
do $$
declare
  home constant text := current_schema();
  pruning constant regprocedure := 'prune_audit_events(uuid, bigint, bigint, text, text, text)'::regprocedure;
  pruner constant text := (select pg_get_userbyid(proowner) from pg_proc where oid = pruning);
  grantee text;
begin
  if pruner <> current_user then
    execute format('grant create on schema %I to %I', home, pruner);
    execute format('grant delete on audit_chains to %I', pruner);
    execute format('alter function forget_audit_chains(uuid) owner to %I', pruner);
    execute format('revoke create on schema %I from %I', home, pruner);
  end if;
  for grantee in
    select pg_get_userbyid(acl.grantee)
    from pg_proc, aclexplode(proacl) acl
    where oid = pruning and acl.privilege_type = 'EXECUTE' and acl.grantee <> 0
  loop
    execute format('grant execute on function forget_audit_chains(uuid) to %I', grantee);
  end loop;
end
$$;
