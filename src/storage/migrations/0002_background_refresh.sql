create index credentials_due on credentials (platform, refresh_after) where status = 'active';
--> statement-breakpoint
create index credentials_at_rest on credentials (platform, refreshed_at) where status = 'active' and kind = 'rotating';
--> statement-breakpoint
create index credentials_ending on credentials (grant_expires_at) where status = 'active';
