/** What the program is called, wherever it runs. */
export const program = "oauth-token-service";
