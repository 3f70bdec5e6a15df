# pixtape with Mesa's CPU driver, as an ordinary user.
#
#   docker build -t pixtape .
#   docker run --rm -v "$PWD/runs:/home/node/pixtape/runs" pixtape                     the first training run
#   docker run --rm pixtape npx pixtape doctor                                         any other command
#   docker run --rm --gpus all pixtape npx pixtape doctor                              with NVIDIA's container toolkit
#
# The container's user has the number 1000: `runs` has to be writable for it.
# Debian 13, because Dawn refuses the Mesa of Debian 12.
FROM node:22-trixie-slim

RUN apt-get update \
 && apt-get install --yes --no-install-recommends mesa-vulkan-drivers libvulkan1 \
 && rm -rf /var/lib/apt/lists/*

# NVIDIA's toolkit leaves the Vulkan driver out unless asked.
ENV NVIDIA_DRIVER_CAPABILITIES=all

USER node
WORKDIR /home/node/pixtape
# Packages in a layer of their own, which a change of the sources leaves as it is.
COPY --chown=node:node package.json package-lock.json ./
RUN npm ci --include=dev --no-audit --no-fund
COPY --chown=node:node . .
RUN npm run build && mkdir -p runs

CMD ["npm", "start", "--", "--no-open"]
