-- Kinds of events stand in the service alone.
alter table audit_events drop constraint audit_events_kind_check;
--> statement-breakpoint
alter table audit_events
  add column owner text,
  add column platform text,
  add column policy_hash text,
  add column detail text,
  add column chain_id uuid,
  add column sequence bigint,
  add column previous_hash text,
  add column hash text;
--> statement-breakpoint
-- Rows from before the chain stay as they are; from here on every row is part of one.
alter table audit_events add constraint audit_events_chained check (
  chain_id is not null and sequence > 0 and sequence is not null and previous_hash is not null and hash is not null
) not valid;
--> statement-breakpoint
create unique index audit_events_chain on audit_events (chain_id, sequence);
--> statement-breakpoint
create index audit_events_caller on audit_events (caller, at, id);
--> statement-breakpoint
create index audit_events_kind on audit_events (kind, at, id);
--> statement-breakpoint
create index audit_events_owner on audit_events (owner, at, id);
--> statement-breakpoint
create table audit_chains (
  id uuid primary key,
  started_at timestamptz(3) not null,
  updated_at timestamptz(3) not null,
  last_sequence bigint not null check (last_sequence > 0),
  head_hash text not null,
  key_id text not null,
  mac text not null,
  pruned_sequence bigint not null default 0,
  pruned_hash text,
  pruned_key_id text,
  pruned_mac text,
  check (pruned_sequence between 0 and last_sequence),
  check (
    (pruned_sequence = 0 and coalesce(pruned_hash, pruned_key_id, pruned_mac) is null)
    or (pruned_sequence > 0 and pruned_hash is not null and pruned_key_id is not null and pruned_mac is not null)
  )
) with (fillfactor = 50);
--> statement-breakpoint
-- The one way to remove rows: the oldest of a chain, older than a day, leaving an anchor that the service has signed.
create function prune_audit_events(
  of_chain uuid, after_sequence bigint, through_sequence bigint, through_hash text, signing_key text, signature text
) returns bigint language plpgsql security definer as $$
declare
  removed bigint;
begin
  if exists (
    select from audit_events
    where chain_id = of_chain and sequence > after_sequence and sequence <= through_sequence
      and at > now() - interval '1 day'
  ) then
    raise insufficient_privilege using message = 'events younger than a day are not pruned';
  end if;
  perform set_config('oauth_token_service.audit_pruning', 'on', true);
  update audit_chains
    set pruned_sequence = through_sequence, pruned_hash = through_hash,
      pruned_key_id = signing_key, pruned_mac = signature
    where id = of_chain and pruned_sequence = after_sequence
      and through_sequence > after_sequence and through_sequence <= last_sequence;
  if found then
    delete from audit_events
      where chain_id = of_chain and sequence > after_sequence and sequence <= through_sequence;
    get diagnostics removed = row_count;
  end if;
  perform set_config('oauth_token_service.audit_pruning', '', true);
  return coalesce(removed, 0);
end
$$;
--> statement-breakpoint
revoke all on function prune_audit_events(uuid, bigint, bigint, text, text, text) from public;
--> statement-breakpoint
-- Inside prune_audit_events, which runs as its owner, and nowhere else.
create function is_pruning_audit() returns boolean language sql stable as $$
  select coalesce(current_setting('oauth_token_service.audit_pruning', true), '') = 'on'
    and exists (
      select from pg_proc
      where oid = to_regprocedure('prune_audit_events(uuid, bigint, bigint, text, text, text)')
        and pg_get_userbyid(proowner) = current_user
    )
$$;
--> statement-breakpoint
create function keep_audit_events() returns trigger language plpgsql as $$
begin
  if tg_op = 'DELETE' and tg_table_name = 'audit_events' and is_pruning_audit() then
    return null;
  end if;
  raise insufficient_privilege using
    message = format('%s is append-only: %s is not allowed', tg_table_name, lower(tg_op));
end
$$;
--> statement-breakpoint
-- A head moves forward or is signed anew; an anchor moves by pruning alone.
create function keep_audit_chains() returns trigger language plpgsql as $$
begin
  if (new.id, new.started_at) is distinct from (old.id, old.started_at)
    or new.last_sequence < old.last_sequence
    or (new.last_sequence = old.last_sequence and new.head_hash is distinct from old.head_hash)
  then
    raise insufficient_privilege using message = 'audit_chains only moves forward';
  end if;
  if (new.pruned_sequence, new.pruned_hash) is distinct from (old.pruned_sequence, old.pruned_hash)
    and not is_pruning_audit()
  then
    raise insufficient_privilege using message = 'audit_chains is pruned by prune_audit_events alone';
  end if;
  return new;
end
$$;
--> statement-breakpoint
-- What a session has in its search path must not decide which tables and functions are meant.
do $$
declare
  name text;
begin
  foreach name in array array[
    'prune_audit_events(uuid, bigint, bigint, text, text, text)',
    'is_pruning_audit()', 'keep_audit_events()', 'keep_audit_chains()'
  ] loop
    execute format('alter function %s set search_path = pg_catalog, %I, pg_temp', name, current_schema());
  end loop;
end
$$;
--> statement-breakpoint
create trigger audit_events_append_only before update or delete or truncate on audit_events
  for each statement execute function keep_audit_events();
--> statement-breakpoint
create trigger audit_chains_append_only before delete or truncate on audit_chains
  for each statement execute function keep_audit_events();
--> statement-breakpoint
create trigger audit_chains_forward before update on audit_chains
  for each row execute function keep_audit_chains();
--> statement-breakpoint
-- Pruning belongs to a role that nobody can log in as, where the migrating role may make one; else to that role itself.
do $$
declare
  pruner constant text := 'oauth_token_service_audit_pruner';
  home constant text := current_schema();
  pruning constant text := 'prune_audit_events(uuid, bigint, bigint, text, text, text)';
begin
  begin
    if not exists (select from pg_roles where rolname = pruner) then
      execute format('create role %I nologin', pruner);
    end if;
  exception when duplicate_object or unique_violation then
    null;
  end;
  execute format('grant %I to current_user', pruner);
  execute format('grant usage, create on schema %I to %I', home, pruner);
  execute format('grant select, delete on audit_events to %I', pruner);
  execute format('grant select, update on audit_chains to %I', pruner);
  execute format('alter function %s owner to %I', pruning, pruner);
  execute format('grant execute on function %s to %I', pruning, current_user);
  execute format('revoke create on schema %I from %I', home, pruner);
exception when insufficient_privilege then
  raise notice 'pruning of audit_events stays with %, which may not make a role for it', current_user;
end
$$;
