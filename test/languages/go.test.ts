import { proveClient } from "./prove-client.ts";

proveClient("Go");
