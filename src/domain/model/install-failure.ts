/** Why a link begins nothing. */
export type LinkFailure =
  | "link_required"
  | "link_expired"
  | "link_already_used"
  /** Whoever made it may not make such a link any more. */
  | "link_withdrawn"
  | "return_to_not_allowed";

/** Why a flow did not end in an installation. Each has a page that says what the person can do. */
export type InstallFailure =
  | "denied"
  | "approval_pending"
  /** Nobody here began it, and there is no page where it could be claimed. Nothing was spent. */
  | "begun_at_platform"
  | "state_missing"
  | "state_unknown"
  | "state_expired"
  | "state_already_used"
  | "state_other_platform"
  | "state_other_browser"
  | "malformed_callback"
  | "wrong_issuer"
  | "code_rejected"
  | "installation_not_yours"
  | "installation_not_administered"
  | "installation_missing"
  | "installation_taken"
  | "unverified_email"
  | "no_sites"
  | "provider_unavailable"
  | "provider_rate_limited"
  | "provider_misconfigured"
  | "platform_unknown"
  | "platform_not_configured"
  | LinkFailure
  | "reconnected_other"
  /** The link code was denied, used or too old meanwhile: nothing was connected. */
  | "link_code_ended"
  | "service_unavailable"
  | "internal_error";
