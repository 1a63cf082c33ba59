set -euo pipefail

if [[ $PERSIST != false ]]; then
  echo "::error::This stand-in leaves no token on disk: set persist-credentials to false"
  exit 1
fi

# In the environment and not among the arguments, which every process can read.
credentials=$(printf 'x-access-token:%s' "$TOKEN" | base64 | tr -d '\n')
export GIT_CONFIG_COUNT=1
export GIT_CONFIG_KEY_0="http.$GITHUB_SERVER_URL/.extraheader"
export GIT_CONFIG_VALUE_0="Authorization: Basic $credentials"

git init --quiet "$GITHUB_WORKSPACE/$DIRECTORY"
cd "$GITHUB_WORKSPACE/$DIRECTORY"
git remote add origin "$GITHUB_SERVER_URL/$REPOSITORY"

branch=
case $REF in
  refs/heads/*) branch=${REF#refs/heads/} ;;
esac

depth=(--depth="$DEPTH")
if [[ $DEPTH == 0 ]]; then
  depth=('+refs/heads/*:refs/remotes/origin/*')
fi
git fetch --quiet --no-tags origin "${depth[@]}" "+$REF:refs/remotes/${branch:+origin/}${branch:-fetched}"

if [[ -n $branch ]]; then
  git checkout --quiet -B "$branch" "refs/remotes/origin/$branch"
else
  git checkout --quiet --detach refs/remotes/fetched
fi
git rev-parse HEAD
