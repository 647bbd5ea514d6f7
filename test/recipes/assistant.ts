import { inputRequired, McpServer } from "@modelcontextprotocol/server";
import { z } from "zod";

interface Answer {
  readonly accessToken?: string;
  readonly apiBaseUrl?: string;
  readonly url?: string;
  /** Why it was refused. */
  readonly reason?: string;
}

/** An MCP server for one signed-in user, `owner`, whose tool needs Slack. */
export function createAssistant(options: { service: string; apiKey: string; owner: string; returnTo: string }) {
  const { service, apiKey, owner, returnTo } = options;
  const server = new McpServer({ name: "assistant", version: "1.0.0" });

  async function ask(method: string, request: object): Promise<Answer> {
    const response = await fetch(`${service}/oauth.token.v1.TokenService/${method}`, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${apiKey}` },
      body: JSON.stringify(request),
    });
    const answer = (await response.json()) as Answer & { details?: { type: string; debug?: Answer }[] };
    if (response.ok) return answer;
    return answer.details?.find(({ type }) => type === "google.rpc.ErrorInfo")?.debug ?? {};
  }

  server.registerTool("slack-workspace", { inputSchema: z.object({}) }, async () => {
    const token = await ask("GetToken", { platform: "slack", owner });
    if (token.accessToken !== undefined) {
      const headers = { authorization: `Bearer ${token.accessToken}` };
      const answer = await fetch(`${token.apiBaseUrl}/auth.test`, { method: "POST", headers });
      return { content: [{ type: "text", text: await answer.text() }] };
    }
    const connectable = ["INSTALLATION_NOT_FOUND", "REAUTHORIZATION_REQUIRED"].includes(token.reason ?? "");
    if (!connectable) throw new Error(`no token: ${token.reason}`);

    // The page says who asks, and a preview that opens the link does not spend it.
    const { url = "" } = await ask("CreateInstallLink", { platform: "slack", owner, returnTo, confirmPage: true });
    const message = "Connect Slack in your browser, then go on here.";
    if (server.server.getClientCapabilities()?.elicitation?.url !== undefined) {
      return inputRequired({ inputRequests: { connect: inputRequired.elicitUrl({ message, url }) } });
    }
    return { content: [{ type: "text", text: `${message} ${url}` }] };
  });
  return server;
}
