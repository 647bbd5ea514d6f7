/** What GitHub Actions sets for every job: families of names, and single ones. */
export const actionsVariables: readonly RegExp[] = [
  /^GITHUB_(ACTION|ACTOR|EVENT|REPOSITORY|REF|RUN|STEP|WORKFLOW)(S|_|$)/,
  /^GITHUB_(BASE_REF|ENV|GRAPHQL_URL|HEAD_REF|JOB|OUTPUT|PATH|RETENTION_DAYS|SERVER_URL|SHA|STATE|TOKEN)$/,
  /^GITHUB_(TRIGGERING_ACTOR|WORKSPACE)$/,
];
