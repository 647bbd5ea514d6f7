import "./empty-methods.ts";
import "../../src/main.ts";

// Built together with the service, so that both stand on the same modules.
