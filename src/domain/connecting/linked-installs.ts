import type { Recording } from "../model/audit-event.ts";
import type { Connection } from "../model/connection.ts";
import type { Installation } from "../model/installation.ts";
import type { ConnectContext } from "../model/installation-repository.ts";

/** What a link code connects. */
export interface LinkedInstalls {
  /**
   * Connects as InstallationRepository.connect, and marks the code as connected with an account of its own, in one
   * transaction; undefined, and nothing is stored, if the code has ended or is connected already. Safe to repeat for the
   * same attempt.
   * @throws ServiceError INSTALLATION_TAKEN.
   */
  connect(
    by: { readonly linkCodeId: string; readonly attemptId: string },
    connection: Connection,
    context: ConnectContext,
    record?: Recording<readonly Installation[]>,
  ): Promise<readonly Installation[] | undefined>;
}
