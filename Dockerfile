# syntax=docker/dockerfile:1
# Whoever builds for production pins this by digest: node:24-bookworm-slim@sha256:…
FROM node:24-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# With what builds it, which stays behind. No package has a script to run.
RUN npm ci --ignore-scripts
COPY LICENSE tsconfig.json ./
COPY bin ./bin
COPY scripts ./scripts
COPY rig ./rig
COPY gen ./gen
COPY src ./src
RUN npm run build
# What is in the image, for whoever has to tell whether an advisory concerns it.
RUN node scripts/sbom.ts > sbom.cdx.json

FROM node:24-bookworm-slim
ENV NODE_ENV=production \
    HOST=0.0.0.0 \
    DATA_DIR=/var/lib/oauth-token-service
WORKDIR /app
RUN install -d -o node -g node -m 0700 /var/lib/oauth-token-service \
  && ln -s /app/dist/oauth-token-service.js /usr/local/bin/oauth-token-service
COPY package.json LICENSE ./
COPY --from=build /app/sbom.cdx.json ./sbom.cdx.json
COPY --from=build /app/dist ./dist
USER node
# The gRPC and internal listeners stay on loopback until INTERNAL_HOST, AUTH_CONFIG and TLS are set.
EXPOSE 8010
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 \
  CMD ["node", "dist/oauth-token-service.js", "health"]
# Run it with an init as process 1: docker run --init, or init: true in compose. Commands: docker run IMAGE oauth-token-service …
CMD ["node", "--disable-sigusr1", "dist/main.js"]
