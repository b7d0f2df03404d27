#include "messages/errc.hpp"

#include <array>
#include <utility>

namespace penstock::messages {
namespace {

constexpr std::array names{
    std::pair{errc::none, std::string_view{"none"}},
    std::pair{errc::bad_request, std::string_view{"bad_request"}},
    std::pair{errc::unknown_command, std::string_view{"unknown_command"}},
    std::pair{errc::not_permitted, std::string_view{"not_permitted"}},
    std::pair{errc::not_found, std::string_view{"not_found"}},
    std::pair{errc::project_expired, std::string_view{"project_expired"}},
    std::pair{errc::patient_not_permitted, std::string_view{"patient_not_permitted"}},
    std::pair{errc::quota_exceeded, std::string_view{"quota_exceeded"}},
    std::pair{errc::pacs_unavailable, std::string_view{"pacs_unavailable"}},
    std::pair{errc::conflict, std::string_view{"conflict"}},
    std::pair{errc::too_large, std::string_view{"too_large"}},
    std::pair{errc::rate_limited, std::string_view{"rate_limited"}},
    std::pair{errc::shutting_down, std::string_view{"shutting_down"}},
    std::pair{errc::disk_full, std::string_view{"disk_full"}},
    std::pair{errc::internal, std::string_view{"internal"}},
    std::pair{errc::io_error, std::string_view{"io_error"}},
    std::pair{errc::no_space, std::string_view{"no_space"}},
    std::pair{errc::corrupt, std::string_view{"corrupt"}},
    std::pair{errc::authentication_failed, std::string_view{"authentication_failed"}},
    std::pair{errc::timed_out, std::string_view{"timed_out"}},
    std::pair{errc::held_by_another, std::string_view{"held_by_another"}},
    std::pair{errc::bad_configuration, std::string_view{"bad_configuration"}},
};

}  // namespace

std::string_view name_of(errc code) {
  for (const auto& [value, name] : names)
    if (value == code) return name;
  return "internal";
}

std::string to_string(errc code) { return std::string{name_of(code)}; }

errc errc_named(std::string_view name) {
  for (const auto& [value, known] : names)
    if (known == name) return value;
  return errc::internal;
}

}  // namespace penstock::messages
