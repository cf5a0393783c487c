"""Channel adapters: each speaks one provider's wire and none of them writes anything."""
