import "./empty-methods.ts";

// Built together with the service, so that both stand on the same modules; and loaded after what changes its server, which
// no order of plain imports promises of chunks.
await import("../../src/main.ts");
