import fc from "fast-check";

// The same inputs in every run: whether a change lands is no matter of luck. PROPERTY_SEED tries others.
fc.configureGlobal({ seed: Number(process.env.PROPERTY_SEED ?? 1) });
