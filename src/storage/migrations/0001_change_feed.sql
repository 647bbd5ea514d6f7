-- Tells every replica what to look at again. Counters, leases and times of use announce nothing.
create function announce_installation() returns trigger language plpgsql as $$
begin
  perform pg_notify('oauth_token_service', 'installation ' || new.id || ' ' || new.platform);
  return null;
end
$$;
--> statement-breakpoint
create trigger installations_inserted after insert on installations
  for each row execute function announce_installation();
--> statement-breakpoint
create trigger installations_changed after update on installations
  for each row when (
    (old.status, old.products, old.owner, old.external_org_id, old.external_install_id, old.external_user_id)
    is distinct from
    (new.status, new.products, new.owner, new.external_org_id, new.external_install_id, new.external_user_id)
  ) execute function announce_installation();
--> statement-breakpoint
create function announce_credential() returns trigger language plpgsql as $$
begin
  perform pg_notify('oauth_token_service', 'credential ' || old.id);
  return null;
end
$$;
--> statement-breakpoint
create trigger credentials_changed after update on credentials
  for each row when ((old.version, old.status) is distinct from (new.version, new.status))
  execute function announce_credential();
--> statement-breakpoint
create trigger credentials_deleted after delete on credentials
  for each row execute function announce_credential();
--> statement-breakpoint
create function announce_link() returns trigger language plpgsql as $$
begin
  perform pg_notify('oauth_token_service', 'installation ' || coalesce(new.installation_id, old.installation_id));
  return null;
end
$$;
--> statement-breakpoint
create trigger installation_credentials_changed after insert or update or delete on installation_credentials
  for each row execute function announce_link();
