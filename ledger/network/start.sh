#!/bin/sh
# Starts the node of validator @MEMBER@ (@ADDRESS@) of the ledger @LEDGER@.
# The first start imports the history; options after the script's name go to geth.
set -eu
cd "$(dirname "$0")"
GETH=${GETH:-geth}
DATA=${DATA:-data}
# Local programs alone: what else may ask this node comes through a proxy with TLS and its own door.
HTTP_ADDR=${HTTP_ADDR:-127.0.0.1}

case $("$GETH" version 2>/dev/null || true) in
  *"Version: 1.13."*) ;;
  *) echo "$GETH: expected geth 1.13, the last line that seals Clique (set GETH)" >&2; exit 2 ;;
esac
if [ ! -f keystore/validator.json ]; then
  echo "keystore/validator.json: the keystore of @MEMBER@ is not here; see README.md" >&2
  exit 2
fi

# The socket must have a short name: the system takes about 100 bytes.
IPC=${IPC:-$PWD/$DATA/geth.ipc}

if [ ! -f "$DATA/imported" ]; then
  "$GETH" --datadir "$DATA" --gcmode archive --state.scheme hash init genesis.json
  # What is there already is passed over, so an import that was cut off goes on.
  "$GETH" --datadir "$DATA" --gcmode archive --state.scheme hash --syncmode full \
    --ipcdisable import chain.rlp
  # The same block 0; from here on there are @PERIOD@ s between blocks.
  "$GETH" --datadir "$DATA" --gcmode archive --state.scheme hash init network.json
  : > "$DATA/imported"
fi

# No transaction pays anything. The option for it takes no 0, and transactions of other nodes would
# be left out; the running node is told instead, and again once it surely seals.
(
  for told in once again; do
    until "$GETH" attach --exec 'miner.setGasPrice(0)' "$IPC" >/dev/null 2>&1; do
      kill -0 $$ 2>/dev/null || exit 0
      sleep 1
    done
    sleep 5
  done
) &

if [ -f passphrase.txt ]; then
  set -- --password passphrase.txt "$@"
fi
exec "$GETH" --config config.toml --datadir "$DATA" --keystore keystore --ipcpath "$IPC" \
  --networkid @CHAIN_ID@ --syncmode full --gcmode archive --state.scheme hash \
  --nodekey nodekey --port @PEER_PORT@ --nodiscover --nat none@RESTRICT@ \
  --mine --miner.etherbase @ADDRESS@ --unlock @ADDRESS@ --allow-insecure-unlock \
  --miner.gaslimit @GAS_LIMIT@ --miner.extradata "@EXTRA_DATA@" \
  --txpool.accountslots 512 --txpool.accountqueue 512 \
  --rpc.gascap @GAS_LIMIT@ --rpc.evmtimeout 30s --authrpc.port 0 \
  --http --http.addr "$HTTP_ADDR" --http.port @RPC_PORT@ --http.api eth,net,web3,txpool,clique \
  "$@"
