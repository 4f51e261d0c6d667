# Says how far `pip install -r requirements.lock` is; what goes wrong is shown as it is.
/^(Collecting|Processing) / { if (++n % 10 == 1) { printf "Downloading: %d of at most %d packages\n", n, of; fflush() }; next }
/^ *(Downloading|Ignoring|Using cached|Requirement already|Looking in|Attempting uninstall|Found existing|Uninstalling|Successfully uninstalled)/ { next }
/^Installing collected/ { print "Installing them …"; fflush(); next }
/^Successfully installed/ { print "Installed."; next }
/^FAILED$/ { failed = 1; next }
{ print; fflush() }
END { exit failed }
