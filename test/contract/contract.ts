import { describeAttempts } from "./attempts.ts";
import { describeAudit } from "./audit.ts";
import { describeChanges } from "./changes.ts";
import { describeClock } from "./clock.ts";
import { describeConnect } from "./connect.ts";
import { describeDeliveries } from "./deliveries.ts";
import { describeDoubt } from "./doubt.ts";
import { describeGrantInUse } from "./grant-in-use.ts";
import type { OpenedStorage } from "./harness.ts";
import { describeLease } from "./lease.ts";
import { describeLinkCodes } from "./link-codes.ts";
import { describeLinks } from "./links.ts";
import { describeMove } from "./move.ts";
import { describePending } from "./pending.ts";
import { describeRateLimits } from "./rate-limits.ts";
import { describeRecorded } from "./recorded.ts";
import { describeRegistration } from "./registration.ts";
import { describeRevoke } from "./revoke.ts";
import { describeSchema } from "./schema.ts";
import { describeSealed } from "./sealed.ts";
import { describeSearch } from "./search.ts";
import { describeSelect } from "./select.ts";
import { describeWebhooks } from "./webhooks.ts";

/** Everything the ports promise, run on each database that implements them. */
export function describeContract(opened: OpenedStorage): void {
  describeSchema(opened);
  describeConnect(opened);
  describeSelect(opened);
  describeSearch(opened);
  describeLease(opened);
  describeRegistration(opened);
  describeDoubt(opened);
  describeRevoke(opened);
  describeGrantInUse(opened);
  describeAttempts(opened);
  describeLinks(opened);
  describeLinkCodes(opened);
  describePending(opened);
  describeMove(opened);
  describeChanges(opened);
  describeAudit(opened);
  describeRecorded(opened);
  describeWebhooks(opened);
  describeRateLimits(opened);
  describeDeliveries(opened);
  describeClock(opened);
  describeSealed(opened);
}
