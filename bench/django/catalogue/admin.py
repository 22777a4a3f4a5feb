from django.contrib import admin

from .models import Task


@admin.register(Task)
class TaskAdmin(admin.ModelAdmin):
    # Businesses in a query of their own: joined, as Django does by itself, every task is sorted for a page.
    list_display = ["title", "id", "business_name", "form_id", "active", "modified_at"]
    list_filter = ["active"]
    search_fields = ["title", "message"]
    list_per_page = 50

    def get_queryset(self, request):
        return super().get_queryset(request).prefetch_related("business")

    @admin.display(description="business")
    def business_name(self, task):
        return task.business.name
