-- A list finds each installation's natural credential without reading the link itself.
drop index installation_credentials_natural;
--> statement-breakpoint
create unique index installation_credentials_natural on installation_credentials (installation_id) include (credential_id)
  where "natural";
