/** What is counted for a person to act on is counted so far: more of it takes longer, and says nothing more. */
export const mostCounted = 10_000;
