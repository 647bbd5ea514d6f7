import { readFileSync } from "node:fs";
import { OpenAPIServer } from "@ivotoby/openapi-mcp-server";
import { StdioServerTransport } from "@modelcontextprotocol/sdk/server/stdio.js";

/** The MCP server of `@ivotoby/openapi-mcp-server`, as who embeds it has it read its token from a file before each call. */
const { API_BASE_URL = "", OPENAPI_SPEC_INLINE = "", TOKEN_FILE = "" } = process.env;
const server = new OpenAPIServer({
  name: "jira",
  version: "1.0.0",
  apiBaseUrl: API_BASE_URL,
  openApiSpec: "inline",
  specInputMethod: "inline",
  inlineSpecContent: OPENAPI_SPEC_INLINE,
  transportType: "stdio",
  toolsMode: "all",
  authProvider: {
    async getAuthHeaders() {
      const { token } = JSON.parse(readFileSync(TOKEN_FILE, "utf8"));
      return { Authorization: `Bearer ${token}` };
    },
    handleAuthError: async () => false,
  },
});
await server.start(new StdioServerTransport());
