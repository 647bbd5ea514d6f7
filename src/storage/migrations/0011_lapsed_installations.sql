-- Installations of an app that seemed to be gone are looked at again.
create index credentials_lapsed on credentials (platform, lease_until) where status = 'dead' and kind = 'app_installation';
