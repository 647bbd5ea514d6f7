-- Whom a grant was given to, `{client id}@{host}`. What exists learns it when the platform accepts it the next time.
alter table credentials add column registration text, add column refused_by text;
--> statement-breakpoint
create index credentials_refused on credentials (platform) where refused_by is not null;
